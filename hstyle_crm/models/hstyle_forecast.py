import logging
from datetime import timedelta

from odoo import api, fields, models
from odoo.service.model import PG_CONCURRENCY_EXCEPTIONS_TO_RETRY

from ..tools import clv

_logger = logging.getLogger(__name__)

#: Days after which a company's forecast is made anew.
PERIOD = 7


class HstyleForecast(models.Model):
    """A fit of the models of `tools/clv.py` to a company's customers, on a day.

    Made by `_make` alone, which hands the predictions to `hstyle.profile._score`. Where
    the data is too thin the row says so, and no customer has a prediction.
    """

    _name = "hstyle.forecast"
    _description = "Forecast"
    _order = "date desc, id desc"

    company_id = fields.Many2one(
        comodel_name="res.company",
        required=True,
        readonly=True,
        index=True,
        ondelete="cascade",
    )
    date = fields.Date(
        string="As of", required=True, readonly=True, help="Day of the fit."
    )
    version = fields.Char(
        required=True,
        readonly=True,
        help="Models that were fitted, and the version of their code.",
    )
    state = fields.Selection(
        selection=[("fitted", "Fitted"), ("thin", "Not enough data")],
        required=True,
        readonly=True,
    )
    reason = fields.Selection(
        selection=[
            ("buyers", "Fewer than 500 customers have bought."),
            ("days", "The first order is less than 180 days old."),
            ("repeaters", "Fewer than 100 customers have come back another day."),
            ("shape", "The purchases do not follow the model: the fit finds no end."),
        ],
        readonly=True,
    )

    # What was there to learn from.
    buyer_count = fields.Integer(string="Buyers", readonly=True)
    repeater_count = fields.Integer(
        string="Repeat customers", readonly=True, help="Bought on more than one day."
    )
    day_count = fields.Integer(
        string="Days", readonly=True, help="From the first order to the day of the fit."
    )

    # BG/NBD, in weeks.
    r = fields.Float(string="r", readonly=True)
    alpha = fields.Float(string="α", readonly=True)
    a = fields.Float(string="a", readonly=True)
    b = fields.Float(string="b", readonly=True)
    log_likelihood = fields.Float(string="Log-likelihood", readonly=True)

    # Gamma-gamma, in company currency.
    p = fields.Float(string="p", readonly=True)
    q = fields.Float(string="q", readonly=True)
    gamma = fields.Float(string="γ", readonly=True)

    # === COMPUTE METHODS === #

    @api.depends("date", "version")
    def _compute_display_name(self):
        for forecast in self:
            forecast.display_name = f"{forecast.date} ({forecast.version})"

    # === CRON === #

    @api.model
    def _cron_forecast(self):
        """Forecast for each company whose last one is a week old, a commit each.

        Who is due follows from the forecasts, so that a run goes on after a crash, and
        a company that fails is tried again the next night and stops no other.
        """
        commit = self.env["ir.cron"]._commit_progress
        due = self._get_due()
        commit(remaining=len(due))
        for company in due:
            self._make_safely(company)
            if not commit(1):
                break

    @api.model
    def _get_due(self):
        """Return the companies with customers and without a forecast of this week."""
        companies = self.env["res.company"].sudo().search([("id", "!=", False)])
        return companies.filtered(self._is_due)

    @api.model
    def _is_due(self, company):
        since = company._hstyle_today() - timedelta(days=PERIOD)
        domain = [("company_id", "=", company.id)]
        fresh = self.sudo().search_count([*domain, ("date", ">", since)], limit=1)
        profiles = self.env["hstyle.profile"].sudo()
        return not fresh and profiles.search_count(domain, limit=1)

    @api.model
    def _make_safely(self, company):
        """Make a company's forecast, or say in the log why it cannot be made."""
        try:
            with self.env.cr.savepoint():
                forecast = self._make(company)
            _logger.info("Forecast of %s: %s.", company.name, forecast.state)
        except PG_CONCURRENCY_EXCEPTIONS_TO_RETRY:
            self.env.cr.rollback()
            _logger.info("Profiles of %s are in use; tomorrow again.", company.name)
        except Exception:
            _logger.exception("The forecast of %s cannot be made.", company.name)

    # === BUSINESS METHODS === #

    @api.model
    def _get_by_day(self, profiles):
        """Return (company, day) → the forecast that profiles have predictions of."""
        domain = [
            ("company_id", "in", profiles.company_id.ids),
            ("date", "in", set(profiles.mapped("forecast_on"))),
            ("state", "=", "fitted"),
        ]
        forecasts = self.search(domain, order="id")
        return {
            (forecast.company_id, forecast.date): forecast for forecast in forecasts
        }

    @api.model
    def _make(self, company):
        """Fit the models to a company's profiles and score its customers.

        :return: the forecast, whose state tells whether there was enough data
        """
        self.env.flush_all()
        profiles = self.env["hstyle.profile"].sudo()
        profiles._set_planner()
        day = company._hstyle_today()
        cells = profiles._get_order_cells(company, day)
        outcome = clv.fit(cells, lambda: profiles._get_values(company))
        forecast = self.sudo().create(self._prepare(company, day, outcome))
        profiles._score(forecast, cells)
        return forecast

    @api.model
    def _prepare(self, company, day, outcome):
        """Return the values of a forecast, from a `clv.Outcome`."""
        values = vars(outcome).copy()
        for model in (values.pop("purchases"), values.pop("spending")):
            values.update(vars(model) if model else {})
        return {
            **values,
            "company_id": company.id,
            "date": day,
            "version": clv.VERSION,
            "state": "thin" if outcome.reason else "fitted",
        }
