"""Tencent Cloud's SMS in plain Python: its signature, its error codes, its pushes.

Signature: "TC3-HMAC-SHA256", https://cloud.tencent.com/document/api/382/52072;
SendSms of 2021-01-11: …/382/55981; pushed reports and replies: …/382/5807, …/382/5808.
"""

import hashlib
import hmac
from datetime import UTC, datetime

CONTENT_TYPE = "application/json; charset=utf-8"
#: Numbers that one call takes at most, all of mainland China or none.
NUMBERS = 200

#: Beginnings of codes → what became of an SMS; the longest one that fits counts.
#: "later" was not taken and may be tried again; the others are the host's states.
STATES = {
    "Ok": "sent",
    "LimitExceeded": "later",
    "RequestLimitExceeded": "later",
    "FailedOperation.MarketingSendTimeConstraint": "later",
    "LimitExceeded.AppCountryOrRegionInBlacklist": "country_not_supported",
    "UnsupportedOperation.UnsupportedRegion": "country_not_supported",
    "FailedOperation.InsufficientBalance": "insufficient_credit",
    "FailedOperation.PhoneNumberInBlacklist": "blacklisted",
    "FailedOperation.PhoneNumberParseFail": "wrong_number_format",
    "InvalidParameterValue.IncorrectPhoneNumber": "wrong_number_format",
    "FailedOperation.ContainSensitiveWord": "unapproved",
    "FailedOperation.Signature": "unapproved",
    "FailedOperation.Template": "unapproved",
    "InvalidParameterValue.ContentLengthLimit": "unapproved",
    "InvalidParameterValue.ProhibitedUseUrl": "unapproved",
    "InvalidParameterValue.Template": "unapproved",
    "UnsupportedOperation": "unapproved",
    "AuthFailure": "unregistered",
    "InvalidParameterValue.SdkAppIdNotExist": "unregistered",
    "UnauthorizedOperation": "unregistered",
}
#: Carriers' words for why an SMS did not arrive → the host's; else "not_delivered".
_UNDELIVERED = {"EXPIRED": "expired", "REJECT": "rejected", "BLACK": "rejected"}


def get_state(code):
    """Return what became of an SMS by the provider's code."""
    fitting = [beginning for beginning in STATES if code.startswith(beginning)]
    return STATES[max(fitting, key=len)] if fitting else "server_error"


def _hash(content):
    return hashlib.sha256(content).hexdigest()


def _hmac(key, text):
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


def sign(*, secret_id, secret_key, host, action, payload, timestamp, service="sms"):
    """Return the header "Authorization" of a POST of bytes at a Unix time."""
    day = datetime.fromtimestamp(timestamp, UTC).strftime("%Y-%m-%d")
    scope = f"{day}/{service}/tc3_request"
    headers = {
        "content-type": CONTENT_TYPE,
        "host": host,
        "x-tc-action": action.lower(),
    }
    lines = "".join(f"{name}:{value}\n" for name, value in headers.items())
    names = ";".join(headers)
    request = "\n".join(["POST", "/", "", lines, names, _hash(payload)])
    text = f"TC3-HMAC-SHA256\n{timestamp}\n{scope}\n{_hash(request.encode())}"
    key = f"TC3{secret_key}".encode()
    for part in (day, service, "tc3_request"):
        key = _hmac(key, part)
    signature = _hmac(key, text).hex()
    return (
        f"TC3-HMAC-SHA256 Credential={secret_id}/{scope}, "
        f"SignedHeaders={names}, Signature={signature}"
    )


def read_reply(push):
    """Return a customer's number in E.164, the text, and a reference of a reply.

    A reply has no id of the provider's: its sender, second and text are one.
    """
    number = f"+{push['nationcode']}{push['mobile']}"
    text = str(push["text"]).replace("\0", "")
    ref = _hash(f"{number}|{push['time']}|{text}".encode())
    return number, text, ref


def read_reports(push):
    """Return {serial: None, or why it was not delivered as (error, reason)}."""
    return {str(report["sid"]): _get_error(report) for report in push}


def _get_error(report):
    if report["report_status"] == "SUCCESS":
        return None
    code = str(report.get("errmsg", ""))
    words = (word for start, word in _UNDELIVERED.items() if start in code.upper())
    reason = f"{code}: {report.get('description', '')}"
    return next(words, "not_delivered"), reason
