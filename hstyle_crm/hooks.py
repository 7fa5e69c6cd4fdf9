from .models.hstyle_profile_dirty import drop_triggers


def uninstall_hook(env):
    """Take our triggers off the host's tables before our tables go."""
    drop_triggers(env.cr)
