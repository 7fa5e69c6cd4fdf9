{
    "name": "HSTYLE CRM: dashboards",
    "summary": "Members, points, service, campaigns and campus at a glance",
    "version": "19.0.1.1.0",
    "category": "Sales/CRM",
    "author": "HStyle",
    "license": "LGPL-3",
    "depends": ["hstyle_crm", "spreadsheet_dashboard"],
    "data": [
        "data/spreadsheet_dashboard_data.xml",
        "views/spreadsheet_dashboard_menus.xml",
    ],
    "auto_install": True,
}
