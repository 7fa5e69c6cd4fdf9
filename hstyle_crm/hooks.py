from .models import hstyle_commission, hstyle_profile_dirty, loyalty_history

#: The host's models of which we ship records that a shop comes to use → those used.
USED = {
    "calendar.alarm": "SELECT calendar_alarm_id FROM calendar_alarm_calendar_event_rel",
    "crm.team": "SELECT team_id FROM crm_lead",
    "crm.stage": """
        SELECT stage_id FROM crm_lead UNION
        SELECT s.crm_stage_id FROM crm_stage_crm_team_rel s
        JOIN crm_lead l ON l.team_id = s.crm_team_id
    """,
    "mail.alias": """
        SELECT t.alias_id FROM crm_team t JOIN crm_lead l ON l.team_id = t.id
    """,
    "loyalty.program": "SELECT program_id FROM loyalty_card",
    "loyalty.reward": """
        SELECT r.id FROM loyalty_reward r
        JOIN loyalty_card c ON c.program_id = r.program_id
    """,
    "product.product": """
        SELECT product_id FROM sale_order_line UNION
        SELECT product_id FROM account_move_line
    """,
    "product.template": """
        SELECT p.product_tmpl_id FROM product_product p WHERE p.id IN (
            SELECT product_id FROM sale_order_line UNION
            SELECT product_id FROM account_move_line
        )
    """,
    "res.partner.grade": "SELECT grade_id FROM res_partner",
    "utm.source": """
        SELECT source_id FROM crm_lead UNION SELECT source_id FROM mailing_mailing
    """,
}


def post_init_hook(env):
    """Put the host's sample grades aside, as far as nobody has one: we ship tiers."""
    for name in ("bronze", "silver", "gold"):
        xmlid = f"partnership.res_partner_grade_data_{name}"
        grade = env.ref(xmlid, raise_if_not_found=False)
        if grade and not grade.partners_count:
            grade.active = False


def uninstall_hook(env):
    """Let go of the host before our tables go: nothing of it stays held or is lost."""
    hstyle_profile_dirty.drop_triggers(env.cr)
    loyalty_history.drop_triggers(env.cr)
    hstyle_commission.drop_triggers(env.cr)
    _release(env.cr)
    _leave(env.cr)


def _release(cr):
    """Drop our tables' foreign keys, by which rows that go would hold each other."""
    cr.execute(
        """
        SELECT format('ALTER TABLE %s DROP CONSTRAINT %I', conrelid::regclass, conname)
        FROM pg_constraint
        WHERE contype = 'f' AND conrelid::regclass::text LIKE 'hstyle%'
        """
    )
    for (statement,) in cr.fetchall():
        cr.execute(statement)


def _leave(cr):
    """Leave the shop what it uses of the host's records that we shipped or made."""
    # An entry of the calendar goes with the model that it names.
    cr.execute(
        """
        UPDATE calendar_event SET res_model_id = NULL, res_model = NULL, res_id = NULL
        WHERE res_model LIKE 'hstyle.%'
        """
    )
    for model, used in USED.items():
        cr.execute(
            f"""
            DELETE FROM ir_model_data
            WHERE module = 'hstyle_crm' AND model = %s AND res_id IN ({used})
            """,
            [model],
        )
