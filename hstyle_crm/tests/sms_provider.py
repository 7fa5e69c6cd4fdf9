"""A provider of SMS on this machine, with the API of Tencent Cloud: SendSms.

It checks the signature on its own, by the documentation and not by our code, and the
rules of a call; it keeps what it was sent. Tests start it in a thread. As a program it
serves the demo: SMS are shown on a page, on which one replies as the customer.

    python sms_provider.py PORT CALLBACK
"""

import contextlib
import hashlib
import hmac
import html
import json
import re
import sys
import threading
import time
import urllib.request
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

SECRET_ID = "AKIDloopback"
SECRET_KEY = "loopback-secret"
APP_ID = "1400006666"
SIGN = "HStyle"
#: What a company enters in its settings.
ACCOUNT = {
    "hstyle_sms_provider": "tencent",
    "hstyle_tencent_secret_id": SECRET_ID,
    "hstyle_tencent_secret_key": SECRET_KEY,
    "hstyle_tencent_app_id": APP_ID,
    "hstyle_tencent_sign": SIGN,
}
_NUMBER = re.compile(r"\+[1-9]\d{6,14}")


class Refused(Exception):
    """A call that breaks a rule: code and text."""


class Provider(ThreadingHTTPServer):
    """The server; `sent` is a list of (number, template id, parameters)."""

    daemon_threads = True
    account = ACCOUNT

    def __init__(self, port=0, callback=""):
        super().__init__(("127.0.0.1", port), Handler)
        self.callback = callback
        self.sent = []
        self.calls = 0
        # What a test makes go wrong: of a number, of a call, and after a call.
        self.codes = {}
        self.error = None
        self.silent = False

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}"

    @contextlib.contextmanager
    def running(self):
        """Serve in a thread."""
        thread = threading.Thread(target=self.serve_forever)
        thread.start()
        try:
            yield self
        finally:
            self.shutdown()
            thread.join()
            self.server_close()

    def send(self, call):
        """Return the response to a call, as the documentation has it."""
        numbers = call["PhoneNumberSet"]
        self.calls += 1
        self._check_call(call, numbers)
        return {"SendStatusSet": [self._send_one(call, n) for n in numbers]}

    def _check_call(self, call, numbers):
        mainland = {number.startswith("+86") for number in numbers}
        rules = {
            "LimitExceeded.PhoneNumberCountLimit": 0 < len(numbers) <= 200,
            "InvalidParameter.Duplicate": len(set(numbers)) == len(numbers),
            "UnsupportedOperation.ContainDomesticAndInternationalPhoneNumber": (
                len(mainland) == 1
            ),
            "InvalidParameterValue.SdkAppIdNotExist": call["SmsSdkAppId"] == APP_ID,
            "FailedOperation.SignatureIncorrectOrUnapproved": call["SignName"] == SIGN,
        }
        broken = [code for code, kept in rules.items() if not kept]
        if self.error or broken:
            raise Refused(self.error or broken[0], "refused")

    def _send_one(self, call, number):
        code = self.codes.get(number, "Ok")
        if not _NUMBER.fullmatch(number):
            code = "InvalidParameterValue.IncorrectPhoneNumber"
        status = {"PhoneNumber": number, "Code": code, "Message": code, "SerialNo": ""}
        if code == "Ok":
            self.sent.append((number, call["TemplateId"], call["TemplateParamSet"]))
            status["SerialNo"] = f"2019:{len(self.sent)}:{number[1:]}"
        return status

    def push(self, callback, content):
        """Post JSON to the callback; return the answer."""
        headers = {"Content-Type": "application/json"}
        data = json.dumps(content).encode()
        request = urllib.request.Request(callback, data, headers)
        with urllib.request.urlopen(request, timeout=30) as response:
            return json.load(response)

    def reply(self, number, text):
        """Reply as a customer."""
        mobile = number.removeprefix("+86")
        return self.push(
            self.callback,
            {
                "extend": "",
                "mobile": mobile,
                "nationcode": "86",
                "sign": SIGN,
                "text": text,
                "time": int(time.time()),
            },
        )


class Handler(BaseHTTPRequestHandler):
    """One request."""

    protocol_version = "HTTP/1.1"
    # Else each answer waits 40 ms for the acknowledgement of its first packet.
    disable_nagle_algorithm = True

    def log_message(self, *_args):
        """Be quiet."""

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path == "/reply":
            self._reply(parse_qs(body.decode()))
            return
        try:
            self._check_signature(body)
            response = self.server.send(json.loads(body))
        except Refused as error:
            code, text = error.args
            response = {"Error": {"Code": code, "Message": text}}
        if self.server.silent:
            self.close_connection = True
            return
        response["RequestId"] = "loopback"
        content = json.dumps({"Response": response}).encode()
        self._answer(200, "application/json", content)

    def do_GET(self):
        self._answer(200, "text/html; charset=utf-8", self._get_page().encode())

    def _answer(self, status, content_type, content):
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    # === THE SIGNATURE === #

    def _check_signature(self, body):
        if self.headers["X-TC-Action"] != "SendSms":
            raise Refused("InvalidAction", "no such action")
        if self.headers["X-TC-Version"] != "2021-01-11":
            raise Refused("NoSuchVersion", "no such version")
        stamp = int(self.headers["X-TC-Timestamp"])
        if abs(time.time() - stamp) > 300:
            raise Refused("AuthFailure.SignatureExpire", "clocks differ")
        header = self.headers["Authorization"]
        pattern = (
            r"TC3-HMAC-SHA256 Credential=(.+?)/(.+), SignedHeaders=(.+), Signature=(.+)"
        )
        secret_id, scope, names, signature = re.fullmatch(pattern, header).groups()
        if secret_id != SECRET_ID:
            raise Refused("AuthFailure.SecretIdNotFound", "unknown SecretId")
        if signature != self._get_signature(body, stamp, scope, names):
            raise Refused("AuthFailure.SignatureFailure", "wrong signature")

    def _get_signature(self, body, stamp, scope, names):
        day = datetime.fromtimestamp(stamp, UTC).date().isoformat()
        if scope != f"{day}/sms/tc3_request" or not {"content-type", "host"} <= set(
            names.split(";")
        ):
            return None
        signed = [f"{n}:{self.headers[n].strip().lower()}\n" for n in names.split(";")]
        digest = hashlib.sha256(body).hexdigest()
        request = f"POST\n/\n\n{''.join(signed)}\n{names}\n{digest}"
        digest = hashlib.sha256(request.encode()).hexdigest()
        key = b"TC3" + SECRET_KEY.encode()
        text = f"TC3-HMAC-SHA256\n{stamp}\n{scope}\n{digest}"
        for message in (*scope.split("/"), text):
            key = hmac.digest(key, message.encode(), "sha256")
        return key.hex()

    # === THE PAGE === #

    def _reply(self, form):
        self.server.reply(form["number"][0], form["text"][0])
        self.send_response(303)
        self.send_header("Location", "/")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _get_page(self):
        rows = "".join(
            "<tr>"
            + "".join(f"<td>{html.escape(str(c))}</td>" for c in sms)
            + f"<td><form method=post action=/reply><input name=text value=JF>"
            f"<input type=hidden name=number value='{html.escape(sms[0])}'>"
            "<button>Reply</button></form></td></tr>"
            for sms in reversed(self.server.sent)
        )
        return (
            "<!doctype html><meta charset=utf-8><title>SMS of the demo</title>"
            "<style>body{font-family:sans-serif;margin:2em}td{padding:.4em 1em}</style>"
            "<h1>SMS of the demo</h1><form method=post action=/reply>"
            "<input name=number placeholder='+8613800138000'>"
            "<input name=text placeholder='JF, TD, …'><button>Send as customer</button>"
            f"</form><table>{rows or 'Nothing was sent yet.'}</table>"
        )


if __name__ == "__main__":
    Provider(int(sys.argv[1]), sys.argv[2]).serve_forever()
