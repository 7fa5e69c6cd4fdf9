{
    "name": "HSTYLE CRM: deliveries",
    "summary": "Points become available days after delivery; returns take them back",
    "version": "19.0.1.1.0",
    "category": "Sales/CRM",
    "author": "HStyle",
    "license": "LGPL-3",
    "depends": ["hstyle_crm", "sale_stock"],
    "data": ["views/loyalty_program_views.xml"],
    "auto_install": True,
}
