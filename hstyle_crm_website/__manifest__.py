{
    "name": "HSTYLE CRM: shop",
    "summary": "Who came by a friend's link is remembered until the order",
    "version": "19.0.1.1.0",
    "category": "Sales/CRM",
    "author": "HStyle",
    "license": "LGPL-3",
    "depends": ["hstyle_crm", "website_sale_loyalty"],
    "data": ["views/website_sale_templates.xml"],
    "auto_install": True,
}
