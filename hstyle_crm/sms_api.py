"""SMS through Tencent Cloud, by the host's way for providers."""

import json
import logging
import time
from collections import defaultdict
from dataclasses import dataclass
from itertools import count
from urllib.parse import urlsplit

import requests
from urllib3.exceptions import NewConnectionError

from odoo.tools import split_every

from odoo.addons.sms.tools.sms_api import SmsApiBase

from .tools import sms_text, tencent

_logger = logging.getLogger(__name__)

#: Seconds to wait for a connection, and for the answer.
TIMEOUT = 15
URL = "https://sms.tencentcloudapi.com"


@dataclass
class Call:
    """What one call sends: equal parameters, each number once."""

    template: str  # "" where no approved text matches
    parameters: tuple
    numbers: dict  # number in E.164 → the SMS's uuid


class SmsApiTencent(SmsApiBase):
    """Sends approved texts: Chinese carriers take no others.

    What could surely not be sent yet is in `postponed`, by uuid, and has no result. Who
    makes this sets the company, whose account and texts it uses.
    """

    PROVIDER_TO_SMS_FAILURE_TYPE = SmsApiBase.PROVIDER_TO_SMS_FAILURE_TYPE | {
        "blacklisted": "sms_blacklist",
        "country_not_supported": "sms_country_not_supported",
        "insufficient_credit": "sms_credit",
        "unapproved": "hstyle_sms_text",
        "unregistered": "sms_acc",
    }

    def __init__(self, env, account=None):
        super().__init__(env, account=account)
        self.postponed = set()
        self._session = requests.Session()
        self._unreachable = False
        self._texts = None

    # === CALLS === #

    def get_calls(self, messages):
        """Return the calls that send messages, which are as the host hands them."""
        groups = defaultdict(dict)
        for message in messages:
            template, parameters = self._find_text(message["content"])
            for entry in message["numbers"]:
                number = self._get_number(entry)
                key = (template, parameters, number.startswith("+86"))
                # The same to a number twice goes in two calls.
                times = (n for n in count() if number not in groups[*key, n])
                groups[*key, next(times)][number] = entry["uuid"]
        return [
            Call(template, parameters, dict(part))
            for (template, parameters, *_), numbers in groups.items()
            for part in split_every(tencent.NUMBERS, numbers.items(), tuple)
        ]

    def _get_number(self, entry):
        number = (entry["number"] or "").strip()
        return number if number[:1] == "+" else f"+86{number}"

    def _find_text(self, body):
        if self._texts is None:
            texts = self.env["hstyle.sms.text"].sudo()
            self._texts = texts._get_approved(self.company)
        return sms_text.find(self._texts, body)

    # === SENDING === #

    def _send_sms_batch(self, messages, delivery_reports_url=False):
        """Send messages; return a result for each SMS that was sent or failed."""
        return [
            result
            for call in self.get_calls(messages)
            for result in self._send_call(call)
        ]

    def _send_call(self, call):
        if not call.template:
            return self._fail(call, "unapproved", self._explain_unapproved())
        if not self._is_configured():
            return self._fail(call, "unregistered", self._explain_unregistered())
        response = self._post(call)
        if "Error" in response:
            error = response["Error"]
            state = error.get("State") or tencent.get_state(error["Code"])
            return self._fail(call, state, f"{error['Code']}: {error['Message']}")
        return self._read(call, response["SendStatusSet"])

    def _is_configured(self):
        company = self.company.sudo()
        return all(
            (
                company.hstyle_tencent_secret_id,
                company.hstyle_tencent_secret_key,
                company.hstyle_tencent_app_id,
            )
        )

    def _fail(self, call, state, reason):
        """Return the same result for all SMS of a call."""
        if state == "later":
            self.postponed.update(call.numbers.values())
            return []
        return [
            {"uuid": uuid, "state": state, "failure_reason": reason}
            for uuid in call.numbers.values()
        ]

    def _read(self, call, statuses):
        """Return the results by the provider's status of each number."""
        status_of = {status["PhoneNumber"]: status for status in statuses}
        results = []
        for number, uuid in call.numbers.items():
            status = status_of.get(number) or {"Code": "", "Message": "?"}
            state = tencent.get_state(status["Code"])
            if state == "later":
                self.postponed.add(uuid)
                continue
            reason = f"{status['Code']}: {status['Message']}"
            result = {"uuid": uuid, "state": state, "serial": status.get("SerialNo")}
            failed = state != "sent"
            results.append({**result, "failure_reason": failed and reason})
        return results

    # === THE NETWORK === #

    def _post(self, call):
        """Return the provider's response, or an error in its form."""
        if self._unreachable:
            return self._get_error("later", "unreachable")
        try:
            return self._request(call).json()["Response"]
        except requests.ConnectionError as error:
            self._unreachable = self._never_left(error)
            state = "later" if self._unreachable else "server_error"
            return self._get_error(state, error)
        except (requests.RequestException, ValueError, KeyError) as error:
            return self._get_error("server_error", error)

    def _request(self, call):
        company = self.company.sudo()
        parameter = self.env["ir.config_parameter"].sudo().get_param
        url = parameter("hstyle_crm.tencent_sms_url", URL)
        payload = json.dumps(
            {
                "PhoneNumberSet": list(call.numbers),
                "SmsSdkAppId": company.hstyle_tencent_app_id,
                "SignName": company.hstyle_tencent_sign or "",
                "TemplateId": call.template,
                "TemplateParamSet": list(call.parameters),
            }
        ).encode()
        return self._session.post(
            url,
            data=payload,
            headers=self._get_headers(company, urlsplit(url).netloc, payload),
            timeout=TIMEOUT,
            allow_redirects=False,
        )

    def _get_headers(self, company, host, payload):
        timestamp = int(time.time())
        return {
            "Authorization": tencent.sign(
                secret_id=company.hstyle_tencent_secret_id,
                secret_key=company.hstyle_tencent_secret_key,
                host=host,
                action="SendSms",
                payload=payload,
                timestamp=timestamp,
            ),
            "Content-Type": tencent.CONTENT_TYPE,
            "Host": host,
            "X-TC-Action": "SendSms",
            "X-TC-Version": "2021-01-11",
            "X-TC-Region": "ap-guangzhou",
            "X-TC-Timestamp": str(timestamp),
        }

    @staticmethod
    def _never_left(error):
        """Tell whether nothing was sent, since no connection came about."""
        reason = getattr(error.args[0], "reason", None) if error.args else None
        return isinstance(error, requests.ConnectTimeout) or isinstance(
            reason, NewConnectionError
        )

    def _get_error(self, state, error):
        _logger.warning("hstyle_crm: Tencent Cloud SMS: %s", error)
        text = self.env._(
            "The provider did not answer: these SMS may have been sent, or not. Look "
            "into its console before you send them again."
        )
        return {"Error": {"State": state, "Code": "NoAnswer", "Message": text}}

    # === WHAT TO DO NEXT === #

    def _explain_unapproved(self):
        return self.env._(
            "No approved text reads like this message. Have the provider approve its "
            "wording, then add it under Marketing, Approved SMS texts, with numbered "
            "gaps where the words differ."
        )

    def _explain_unregistered(self):
        return self.env._(
            "The account is incomplete: an administrator enters the keys and the "
            "application of Tencent Cloud in the settings."
        )

    def _get_sms_api_error_messages(self):
        return super()._get_sms_api_error_messages() | {
            "unapproved": self._explain_unapproved(),
            "unregistered": self._explain_unregistered(),
        }
