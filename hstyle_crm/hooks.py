from .models import hstyle_profile_dirty, loyalty_history


def uninstall_hook(env):
    """Take our triggers off the host's tables before our tables go."""
    hstyle_profile_dirty.drop_triggers(env.cr)
    loyalty_history.drop_triggers(env.cr)
