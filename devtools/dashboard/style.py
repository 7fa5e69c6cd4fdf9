"""How the dashboards look, and small words of the spreadsheet."""

from .blocks import DECIMAL, MONEY, PERCENT

#: The format of the host's own dashboards.
VERSION = "18.5.10"
ROW, HEAD, TITLE, GAP, CHART = 26, 34, 40, 30, 290
DATA = "Data"
TEAL, GREY, RULE = "#01666b", "#434343", "#CCCCCC"
CARDS = ("#EFF6FF", "#F0FDF4", "#FFF7ED", "#FDF2F8", "#F5F3FF", "#FEFCE8")
HEADING = {
    "bold": True,
    "fontSize": 8,
    "textColor": GREY,
    "verticalAlign": "bottom",
}
STYLES = {
    "title": {"textColor": TEAL, "bold": True, "fontSize": 14},
    "head": {**HEADING, "align": "right", "wrapping": "wrap"},
    "head_label": {**HEADING, "align": "left"},
    "label": {"textColor": TEAL, "verticalAlign": "middle", "align": "left"},
    "value": {"textColor": GREY, "verticalAlign": "middle", "align": "right"},
    "text": {"textColor": GREY, "verticalAlign": "middle", "align": "left"},
    "hint": {"textColor": "#8C8C8C", "italic": True, "align": "right"},
}
#: Style of a list's field → that of its cells, where it has another name; its format.
STYLED = {"date": "text", "time": "text", "number": "value", "rate": "value"}
LIST_FORMATS = {
    "date": "yyyy-mm-dd",
    "time": "yyyy-mm-dd hh:mm",
    "number": "#,##0;-#,##0;",
    "rate": "#,##0.0;-#,##0.0;",
}
HEADS = {"label": "head_label", "text": "head_label", "value": "head"}
FORMATS = {
    form: str(number)
    for number, form in enumerate((PERCENT, DECIMAL, MONEY, *LIST_FORMATS.values()), 1)
}
#: Fields that a period chooses by, and that are moments; the others are days.
MOMENTS = {"opened_at", "asked_at", "create_date", "hstyle_launched_on"}
LINE = {"style": "thin", "color": RULE}


def to_letter(column):
    """Return the name of a column; there are never more than 26."""
    return chr(ord("A") + column)


def to_dimension(name):
    name, _, granularity = name.partition(":")
    dimension = {"fieldName": name}
    return dimension | ({"granularity": granularity} if granularity else {})


def to_measure(name, form):
    field_name, _, aggregator = name.partition(":")
    measure = {"id": name, "fieldName": field_name}
    if aggregator:
        measure["aggregator"] = aggregator
    return measure | ({"format": form} if form else {})
