"""The server as a browser and a program meet it."""

import re

import requests


def test_login_page_has_its_assets(server):
    page = requests.get(f"{server}/web/login", timeout=60)
    assert page.status_code == 200
    assets = re.findall(r'"(/web/assets/[^"]+)"', page.text)
    assert assets
    for path in assets:
        asset = requests.get(f"{server}{path}", timeout=60)
        assert (asset.status_code, bool(asset.content)) == (200, True), path


def test_json2_reads_and_writes(call, transaction):
    [partner_id] = call("res.partner", "create", vals_list=[{"name": "王芳"}])
    [partner] = call("res.partner", "read", ids=[partner_id], fields=["name"])
    assert partner["name"] == "王芳"
    with transaction() as env:
        assert env["res.partner"].browse(partner_id).name == "王芳"


def test_json2_refuses_a_wrong_key(server):
    url = f"{server}/json/2/res.partner/search"
    headers = {"Authorization": "bearer wrong"}
    response = requests.post(url, json={"domain": []}, headers=headers, timeout=60)
    assert response.status_code == 401
