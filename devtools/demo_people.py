"""The demo's people: a colleague's password is the login, the first name."""

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


def invite_customer(env):
    """Give the portal to a member with a question, offers and the most points."""
    asked = env["hstyle.ticket"].search([("merged_into_id", "=", False)]).partner_id
    offered = env["hstyle.offer.list"].search([("state", "=", "open")]).partner_id
    members = (asked & offered) or asked
    member = members.sorted("hstyle_points")[-1]
    env["res.users"].with_context(no_reset_password=True).create(
        {
            "login": "customer",
            "password": "customer",
            "partner_id": member.id,
            "group_ids": [(6, 0, env.ref("base.group_portal").ids)],
        }
    )
    return f"{member.name} has an account on the portal"
