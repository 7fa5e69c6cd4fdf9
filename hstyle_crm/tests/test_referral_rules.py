from dataclasses import replace

from odoo.tests import BaseCase, tagged

from ..tools.referral import History, Person, get_state, judge

LIN = Person(
    1,
    names=("Lin Wei", "Lin Wei, dorm"),
    phones=("+8613800138001",),
    emails=("lin.wei@gmail.com", "lin@fudan.edu.cn"),
    addresses=(("Handan Road 220, Dorm 3", "200433", "Shanghai"), ("", "", "")),
)
XIA = Person(
    2,
    names=("Xia Yu",),
    phones=("+8613900139002",),
    emails=("xia@example.com",),
    addresses=(("Wuning Road 8", "200063", "Shanghai"),),
)
CLEAN = History()

#: what, friend, history, reasons
CASES = [
    ("a stranger", {}, {}, []),
    ("the same account", {"id": 1}, {}, ["self"]),
    (
        "no data at all",
        {"names": (), "phones": (), "emails": (), "addresses": ()},
        {},
        [],
    ),
    ("only blanks", {"phones": (False, ""), "emails": (False, " ")}, {}, []),
    ("the same phone", {"phones": ("+8613800138001",)}, {}, ["phone"]),
    (
        "the same phone beside another",
        {"phones": ("+861", "+8613800138001")},
        {},
        ["phone"],
    ),
    ("written at home", {"phones": ("138 0013-8001",)}, {}, ["phone"]),
    ("another phone", {"phones": ("+8613800138011",)}, {}, []),
    ("the same e-mail", {"emails": ("lin@fudan.edu.cn",)}, {}, ["email"]),
    ("in capitals", {"emails": ("LIN@Fudan.EDU.cn",)}, {}, ["email"]),
    ("with a tag", {"emails": ("lin+2@fudan.edu.cn",)}, {}, ["email"]),
    ("Gmail without dots", {"emails": ("linwei@googlemail.com",)}, {}, ["email"]),
    ("dots that matter elsewhere", {"emails": ("l.in@fudan.edu.cn",)}, {}, []),
    ("the same box elsewhere", {"emails": ("lin@sjtu.edu.cn",)}, {}, []),
    ("the domain alone", {"emails": ("@fudan.edu.cn",)}, {}, []),
    ("an employee", {}, {"employee": True}, ["employee"]),
    ("an agent's account", {}, {"agent_account": True}, ["agent_account"]),
    ("an old customer", {}, {"customer": True}, ["customer"]),
    ("an old customer anew", {}, {"known": True}, ["known"]),
    (
        "a room-mate",
        {"addresses": (("Handan Road 220, Dorm 3", "200433", ""),)},
        {},
        ["address"],
    ),
    (
        "written otherwise",
        {"addresses": (("handan road 220 - DORM 3", "200 433", "SH"),)},
        {},
        ["address"],
    ),
    (
        "full width",
        {"addresses": (("Ｈandan Road ２２０, Dorm 3", "200433", ""),)},
        {},
        ["address"],
    ),
    (
        "another house",
        {"addresses": (("Handan Road 221", "200433", "Shanghai"),)},
        {},
        [],
    ),
    (
        "the same street of another town",
        {"addresses": (("Handan Road 220, Dorm 3", "056002", "Handan"),)},
        {},
        [],
    ),
    ("a town without a street", {"addresses": (("", "200433", "Shanghai"),)}, {}, []),
    ("the referrer's name", {"names": ("Lin Wei",)}, {}, ["name"]),
    ("delivered to the referrer", {"names": ("Xia Yu", "LIN  WEI")}, {}, ["name"]),
    ("a part of the name", {"names": ("Lin",)}, {}, []),
    ("the tenth of a day", {}, {"recent": 9}, []),
    ("one more than usual", {}, {"recent": 10}, ["velocity"]),
    ("at another pace", {}, {"recent": 2, "velocity": 2}, ["velocity"]),
    ("two friends who returned", {}, {"ordering": 2, "refunded": 2}, []),
    ("two of three returned", {}, {"ordering": 3, "refunded": 2}, ["refunds"]),
    ("half of four", {}, {"ordering": 4, "refunded": 2}, ["refunds"]),
    ("one of four", {}, {"ordering": 4, "refunded": 1}, []),
    (
        "phone before name",
        {"names": ("Lin Wei",), "phones": ("+8613800138001",)},
        {},
        ["phone", "name"],
    ),
    (
        "all at once",
        {"id": 1, "emails": ("lin@fudan.edu.cn",)},
        {"customer": True, "recent": 99},
        ["self", "email", "customer", "velocity"],
    ),
]


@tagged("post_install", "-at_install")
class TestReferralRules(BaseCase):
    def test_cases(self):
        for what, friend, history, reasons in CASES:
            with self.subTest(what):
                found = judge(LIN, replace(XIA, **friend), replace(CLEAN, **history))
                self.assertEqual(found, reasons)

    def test_neither_hides_behind_the_other(self):
        """What two people share, they share both ways."""
        for what, friend, _history, _reasons in CASES:
            with self.subTest(what):
                friend = replace(XIA, **friend)
                self.assertEqual(judge(LIN, friend, CLEAN), judge(friend, LIN, CLEAN))

    def test_nothing_is_no_likeness(self):
        """What is unknown of both is nothing that they share."""
        blank = {"names": (False,), "phones": (False, ""), "emails": (False,)}
        blank["addresses"] = ((False, False, False),)
        self.assertEqual(judge(replace(LIN, **blank), replace(XIA, **blank), CLEAN), [])

    def test_state(self):
        self.assertEqual(get_state([]), "referred")
        self.assertEqual(get_state(["phone", "name"]), "rejected")
        self.assertEqual(get_state(["address"]), "review")
