"""Colleagues of the demo: each logs in with the first name, which is the password."""

#: Groups of who sells.
SELLER = ("hstyle_crm.hstyle_crm_group_user", "sales_team.group_sale_salesman")


def create_user(env, name, *groups):
    """Return the colleague of a name, who is made if need be."""
    login = name.split()[0].lower()
    users = env["res.users"].with_context(no_reset_password=True)
    return users.search([("login", "=", login)]) or users.create(
        {
            "name": name,
            "login": login,
            "password": login,
            "group_ids": [(4, env.ref(group).id) for group in groups],
        }
    )


def get_user(env, login):
    return env["res.users"].search([("login", "=", login)])
