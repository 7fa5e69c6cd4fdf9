"""The addon's coming and going in a database of others."""

from devtools import testing


def test_upgrade_leaves_a_clean_log(odoo):
    log = odoo("-u", "hstyle_crm", "--stop-after-init", "--no-http")
    records = testing.records(log)
    assert records
    assert not [text for level, text in records if level != "INFO"]


def test_uninstall_leaves_a_working_shop(odoo, transaction):
    log = odoo("module", "uninstall", "hstyle_crm")
    assert not testing.faults(log)
    with transaction() as env:
        tables = "SELECT tablename FROM pg_tables WHERE tablename LIKE 'hstyle%'"
        env.cr.execute(tables)
        assert env.cr.fetchall() == []
        partner = env["res.partner"].create({"name": "Still a customer"})
        product = env["product.product"].create({"name": "Still for sale"})
        line = {"product_id": product.id}
        order = env["sale.order"].create(
            {"partner_id": partner.id, "order_line": [(0, 0, line)]}
        )
        order.action_confirm()
        assert order.state == "sale"
