import logging

from odoo import api, models
from odoo.service.model import PG_CONCURRENCY_EXCEPTIONS_TO_RETRY

from ..exceptions import TryAgainError

_logger = logging.getLogger(__name__)

#: Times in a row that a batch is tried again because somebody writes to the same rows.
TRIES = 20


class HstyleJob(models.AbstractModel):
    """How scheduled actions work: in committed batches, past what fails."""

    _name = "hstyle.job"
    _description = "Scheduled work"

    @api.model
    def _repeat(self, work, text):
        """Work in committed batches until nothing is left; tell whether that is so.

        A batch in which somebody else wrote to the same rows is tried again.

        :param work: does a batch and returns of how many records
        """
        total, tries = 0, 0
        while True:
            try:
                done = work()
            except (*PG_CONCURRENCY_EXCEPTIONS_TO_RETRY, TryAgainError):
                self.env.cr.rollback()
                self.env.invalidate_all(flush=False)
                tries += 1
                if tries > TRIES:
                    raise
                continue
            total += done
            goes_on = self.env["ir.cron"]._commit_progress(done)
            if not (done and goes_on):
                _logger.info("%s: %s %s", self._description, total, text)
                return not done
            tries = 0

    @api.model
    def _try_each(self, records, work):
        """Work on all records at once; if that fails, on each alone.

        :return: those that failed: a bad one must not keep the others waiting
        """
        try:
            with self.env.cr.savepoint():
                work(records)
        except (*PG_CONCURRENCY_EXCEPTIONS_TO_RETRY, TryAgainError):
            raise
        except Exception:
            if len(records) > 1:
                bad = [self._try_each(record, work) for record in records]
                return records.browse().union(*bad)
            _logger.exception("%s failed and is tried again later", records)
            return records
        return records.browse()
