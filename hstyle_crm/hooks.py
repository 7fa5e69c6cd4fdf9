from .models import hstyle_commission, hstyle_profile_dirty, loyalty_history


def post_init_hook(env):
    """Put the host's sample grades aside, as far as nobody has one: we ship tiers."""
    for name in ("bronze", "silver", "gold"):
        xmlid = f"partnership.res_partner_grade_data_{name}"
        grade = env.ref(xmlid, raise_if_not_found=False)
        if grade and not grade.partners_count:
            grade.active = False


def uninstall_hook(env):
    """Take our triggers off the host's tables before our tables go."""
    hstyle_profile_dirty.drop_triggers(env.cr)
    loyalty_history.drop_triggers(env.cr)
    hstyle_commission.drop_triggers(env.cr)
