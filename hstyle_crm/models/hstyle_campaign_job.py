"""How a campaign draws its groups and measures them: the SQL half of utm.campaign."""

import logging
from ast import literal_eval
from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL

from ..tools import hashing, proof
from .hstyle_proof import MEASURES

_logger = logging.getLogger(__name__)


class HstyleCampaignJob(models.AbstractModel):
    """The audience, the draw and the result of a campaign."""

    _name = "hstyle.campaign.job"
    _description = "Work of a campaign"

    # === AUDIENCE === #

    def _sql_audience(self):
        """Return the query of the ids of the customers whom the campaign is for."""
        domain = literal_eval(self.hstyle_domain or "[]")
        partners = self.env["res.partner"]
        return partners._query_customers(domain, self.company_id).subselect()

    def _estimate(self):
        """Store what the audience bought in as many days before today."""
        self.ensure_one()
        start = self._get_midnight(-self.hstyle_days)
        members = SQL(
            "SELECT id AS partner_id, 'all' AS arm, %s::timestamp AS start "
            "FROM res_partner WHERE id IN %s",
            start,
            self._sql_audience(),
        )
        figures = self.env["hstyle.proof"]._measure(
            members, self.company_id, self.hstyle_days
        )
        past = figures.get("all", proof.Figures())
        self.sudo().hstyle_past = past._asdict()

    def _get_midnight(self, days):
        """Return the first moment (UTC) of a business day, so many from today."""
        company = self.company_id
        day = company._hstyle_today() + timedelta(days=days)
        return company._hstyle_start(day)

    # === DRAW === #

    def _draw(self):
        """Launch the campaign: draw its audience into groups, once and for good.

        The row of the campaign is written first, so that of two launches at a time one
        is repeated and finds the campaign launched.
        """
        self.ensure_one()
        if self.hstyle_state != "draft":
            raise UserError(self.env._("%s is launched already.", self.title))
        moment = fields.Datetime.now()
        audience, salt = self._sql_audience(), self.sudo().hstyle_salt
        self.sudo().write({"hstyle_state": "launched", "hstyle_launched_on": moment})
        self.env.flush_all()
        self.env.cr.execute(
            SQL(
                """
                INSERT INTO hstyle_campaign_member (
                       campaign_id, company_id, partner_id, arm, variant, drawn_on)
                SELECT %(campaign)s, %(company)s, id, arm,
                       CASE WHEN arm = 'treated' AND %(share_a)s < %(range)s THEN
                            CASE WHEN %(draw_ab)s < %(share_a)s THEN 'a' ELSE 'b' END
                       END, %(moment)s
                  FROM (SELECT p.id,
                               CASE WHEN %(is_global)s THEN 'global'
                                    WHEN %(draw)s < %(holdout)s THEN 'control'
                                    ELSE 'treated' END AS arm
                          FROM res_partner p
                         WHERE p.id IN %(audience)s) p
                 ORDER BY id
                """,
                campaign=self.id,
                company=self.company_id.id,
                share_a=self._to_draw(self.hstyle_share_a),
                range=hashing.RANGE,
                draw_ab=SQL(hashing.DRAW, f"{salt}:ab", SQL("p.id")),
                moment=moment,
                is_global=self.company_id._sql_is_held_out(SQL("p.id")),
                draw=SQL(hashing.DRAW, salt, SQL("p.id")),
                holdout=self._to_draw(self.hstyle_holdout),
                audience=audience,
            )
        )
        self.env["hstyle.campaign.member"].invalidate_model()
        if not self.env.cr.rowcount:
            raise UserError(
                self.env._("Nobody is in the audience of %s. Widen it.", self.title)
            )

    def _take_over(self, partner_ids, moment):
        """Record a campaign that was run elsewhere, with nobody left alone.

        :param partner_ids: ids of the customers (commercial) who got it
        :param moment: when it began, in UTC
        """
        self.ensure_one()
        self.sudo().write({"hstyle_holdout": 0, "hstyle_past": False})
        self.sudo().write({"hstyle_state": "launched", "hstyle_launched_on": moment})
        member = {**self._get_keys(), "arm": "treated", "drawn_on": moment}
        self.env["hstyle.campaign.member"].sudo().create(
            [{**member, "partner_id": partner_id} for partner_id in partner_ids]
        )

    @api.model
    def _to_draw(self, percent):
        """Return below which draw a share of all persons lies."""
        return round(percent * hashing.RANGE / 100)

    # === RESULT === #

    @api.model
    def _cron_measure(self):
        """Measure the campaigns whose window has ended; a bad one stops no other."""
        commit = self.env["ir.cron"]._commit_progress
        due = self.search([("hstyle_state", "=", "launched")]).filtered("hstyle_ended")
        commit(remaining=len(due))
        for campaign in due:
            try:
                with self.env.cr.savepoint():
                    campaign._measure()
            except Exception:
                _logger.exception("Campaign %s cannot be measured.", campaign.id)
            if not commit(1):
                break

    def _measure(self):
        """Store the result of the campaign so far, in place of the one before."""
        self.ensure_one()
        figures = self.env["hstyle.proof"]._measure(
            self._sql_members(), self.company_id, self.hstyle_days
        )
        responses = self._prepare_responses(figures)
        effects = self._prepare_effects(figures)
        self.sudo().hstyle_response_ids.unlink()
        self.sudo().hstyle_effect_ids.unlink()
        self.env["hstyle.campaign.response"].sudo().create(responses)
        self.env["hstyle.campaign.effect"].sudo().create(effects)
        state = "measured" if self.hstyle_ended else self.hstyle_state
        self.sudo().write(
            {
                "hstyle_state": state,
                "hstyle_measured_on": fields.Datetime.now(),
                **self._prepare_summary(responses, effects),
            }
        )

    def _sql_members(self):
        """Return the query that `hstyle.proof` measures: an arm is group:variant."""
        return SQL(
            """
            SELECT partner_id, arm || ':' || COALESCE(variant, '') AS arm,
                   %s::timestamp AS start
              FROM hstyle_campaign_member
             WHERE campaign_id = %s
            """,
            self.hstyle_launched_on,
            self.id,
        )

    def _prepare_responses(self, figures):
        redeemed = self._count_redemptions()
        rows = []
        for key, group in figures.items():
            arm, variant = key.split(":")
            sums = {measure: getattr(group, measure).total for measure in MEASURES}
            redeemers, redemptions = redeemed.get(key, (0, 0))
            row = {
                "arm": arm,
                "variant": variant or False,
                "persons": group.buyers.size,
                "redeemers": redeemers,
                "redemptions": redemptions,
            }
            rows.append({**self._get_keys(), **row, **sums})
        return rows

    def _count_redemptions(self):
        """Return arm → customers who redeemed coupons, and coupons redeemed."""
        rows = self.env.execute_query(
            SQL(
                """
                SELECT m.arm, COUNT(DISTINCT m.partner_id), COUNT(*)
                  FROM (%(redeemed)s) r
                  JOIN res_partner contact ON contact.id = r.partner_id
                  JOIN (%(members)s) m
                    ON m.partner_id = contact.commercial_partner_id
                 GROUP BY m.arm
                """,
                redeemed=self._sql_redeemed(),
                members=self._sql_members(),
            )
        )
        return {arm: counts for arm, *counts in rows}

    def _sql_redeemed(self):
        """Return the query of redeemed coupons, in Odoo's orders and elsewhere."""
        return SQL(
            """
            SELECT partner_id FROM hstyle_redemption WHERE campaign_id = %(campaign)s
             UNION ALL
            SELECT so.partner_id
              FROM loyalty_program program
              JOIN loyalty_card card ON card.program_id = program.id
              JOIN sale_order_line line ON line.coupon_id = card.id
              JOIN sale_order so ON so.id = line.order_id AND so.state = 'sale'
             WHERE program.hstyle_campaign_id = %(campaign)s
             GROUP BY so.id, card.id
            """,
            campaign=self.id,
        )

    def _prepare_effects(self, figures):
        """Return values of the comparisons that the campaign's groups allow."""
        by_variant = {
            key.partition(":")[2]: group
            for key, group in figures.items()
            if key.startswith("treated:")
        }
        treated = proof.Figures()
        for group in by_variant.values():
            treated = treated.join(group)
        effects = []
        if "control:" in figures and by_variant:
            effects += self._prepare_pair("control", treated, figures["control:"])
        if by_variant.keys() >= {"a", "b"}:
            effects += self._prepare_pair("variant", by_variant["a"], by_variant["b"])
        return effects

    def _prepare_pair(self, pair, first, second):
        return [
            {
                **self._get_keys(),
                "pair": pair,
                "measure": measure,
                "first": getattr(first, measure).mean,
                "second": getattr(second, measure).mean,
                "difference": result.difference,
                "low": result.low,
                "high": result.high,
                "p": result.p,
                "verdict": self.env["hstyle.proof"]._get_verdict(result),
                "gained": result.difference * getattr(first, measure).size,
            }
            for measure, result in proof.compare(first, second).items()
        ]

    def _get_keys(self):
        return {"campaign_id": self.id, "company_id": self.company_id.id}

    def _prepare_summary(self, responses, effects):
        """Return the campaign's own figures, for its card."""
        proven = {e["measure"]: e for e in effects if e["pair"] == "control"}
        goal, margin = (proven.get(name) for name in (self.hstyle_goal, "margin"))
        treated = [row for row in responses if row["arm"] == "treated"]
        persons = sum(row["persons"] for row in treated)
        return {
            "hstyle_verdict": goal["verdict"] if goal else "none",
            "hstyle_lift": (goal and goal["second"])
            and 100 * goal["difference"] / goal["second"],
            "hstyle_gained": goal and goal["gained"],
            "hstyle_gained_margin": margin and margin["gained"],
            "hstyle_response": persons
            and 100 * sum(row["redeemers"] for row in treated) / persons,
        }
