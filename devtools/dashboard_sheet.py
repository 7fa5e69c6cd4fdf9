"""A dashboard as Odoo's spreadsheet reads it, put together from blocks.

The dashboards of ``hstyle_crm_dashboard`` are described in ``dashboards.py`` by what
they show; here is how that becomes cells, figures and pivots. Measures in pixels.
"""

import json
from dataclasses import dataclass, field

#: The format of the host's own dashboards.
VERSION = "18.5.10"
PERCENT, WHOLE, DECIMAL = "0.0%", "#,##0", "#,##0.0"
ROW, TITLE, GAP, CHART = 27, 40, 30, 300
DATA = "Data"
TEAL, GREY, RULE = "#01666b", "#434343", "#CCCCCC"
CARDS = ("#EFF6FF", "#F0FDF4", "#FFF7ED", "#FDF2F8", "#F5F3FF", "#FEFCE8")
STYLES = {
    "title": {"textColor": TEAL, "bold": True, "fontSize": 14},
    "head": {"bold": True, "fontSize": 10, "textColor": GREY, "align": "right"},
    "head_label": {"bold": True, "fontSize": 10, "textColor": GREY},
    "label": {"textColor": TEAL, "verticalAlign": "middle"},
    "value": {"textColor": GREY, "verticalAlign": "middle", "align": "right"},
    "text": {"textColor": GREY, "verticalAlign": "middle"},
}
LINE = {"style": "thin", "color": RULE}


@dataclass(frozen=True)
class Source:
    """Records of a model.

    ``match`` says which of its fields (or chains of them) a filter of the dashboard is
    about: name of the filter → chain.
    """

    model: str
    domain: list = field(default_factory=list)
    match: dict = field(default_factory=dict)

    def where(self, *terms):
        """Return the same with further terms of the domain."""
        return Source(self.model, [*self.domain, *map(list, terms)], self.match)


@dataclass(frozen=True)
class Card:
    """One number; beside it that of the period before, unless there is a text.

    ``value`` and ``note`` are aggregates of their sources: (source, measure). A
    measure is a name, and an aggregator where it is not the field's own.
    """

    title: str
    menu: str
    value: tuple
    format: str = WHOLE
    note: tuple = ()
    text: str = "since last period"
    less_is_better: bool = False


@dataclass(frozen=True)
class Chart:
    """A chart of the host, whose parts open the records behind them."""

    title: str
    menu: str
    source: Source
    measure: str
    group: tuple
    kind: str = "bar"
    stacked: bool = True
    horizontal: bool = False
    legend: str = "top"
    order: str = ""


@dataclass(frozen=True)
class Trend:
    """Lines of rates over time, in percent."""

    title: str
    menu: str
    source: Source
    time: str
    measures: dict
    count: int = 12


@dataclass(frozen=True)
class Table:
    """Groups and their measures: name → format; by columns, if there are any."""

    title: str
    menu: str
    source: Source
    rows: tuple
    measures: dict
    columns: tuple = ()
    lines: int = 10
    sort: str = ""
    bar: bool = True
    width: int = 12


@dataclass(frozen=True)
class List:
    """Records in an order; name of each field → how many columns it takes."""

    title: str
    menu: str
    source: Source
    fields: dict
    order: str
    lines: int = 10


class Board:
    """A dashboard that grows downwards, block by block."""

    def __init__(self, name, widths, filters):
        """Begin one.

        :param widths: of the columns; ``None`` stands for the gap between the halves
        :param filters: name → the filter, as the spreadsheet has it
        """
        self.name = name
        self.widths = [width or GAP for width in widths]
        half = widths.index(None) if None in widths else len(widths)
        self.columns = (0, half + 1)
        self.filters = filters
        self.cells, self.styles, self.borders, self.rows = {}, {}, {}, {}
        self.figures, self.formats, self.rules, self.menus = [], {}, [], {}
        self.pivots, self.lists, self.data = {}, {}, []
        self.row = 0

    # === BLOCKS === #

    def add_cards(self, *cards):
        """Put cards beside each other, over the whole width."""
        space = 12
        width = (sum(self.widths) - space * (len(cards) - 1)) // len(cards)
        for number, card in enumerate(cards):
            line = self._add_numbers(card)
            down, up = "#DC6965", "#00A04A"
            chart = {
                "type": "scorecard",
                "title": {"text": card.title, "bold": True, "color": GREY},
                "background": CARDS[number % len(CARDS)],
                "keyValue": f"{DATA}!B{line}",
                "baseline": f"{DATA}!C{line}",
                "baselineMode": self._get_mode(card),
                "baselineDescr": {"text": card.text},
                "baselineColorUp": down if card.less_is_better else up,
                "baselineColorDown": up if card.less_is_better else down,
                "humanize": False,
            }
            left = number * (width + space)
            self._add_figure(chart, card.menu, left, 8, width, 104)
        self._next(104 + 16)

    @staticmethod
    def _get_mode(card):
        if card.note:
            return "text"
        return "difference" if card.format == PERCENT else "percentage"

    def _add_numbers(self, card):
        """Add a card's numbers to the sheet of data; return the line."""
        source, measure = card.value
        value = self._get_total(source, measure)
        if card.note:
            other = self._get_total(*card.note)
        else:
            other = self._get_total(source, measure, offset=-1)
        line = len(self.data) + 1
        large = "FORMAT.LARGE.NUMBER({})" if card.format == WHOLE else "{}"
        shown, beside = large.format(value), large.format(other)
        self.data.append(
            (
                f'=_t("{card.title}")',
                f'=IFERROR({shown},"")',
                f'=IFERROR(IF({other}=0,"",{beside}),"")',
                "" if card.format == WHOLE else card.format,
            )
        )
        return line

    def _get_total(self, source, measure, offset=0):
        pivot = self._add_pivot(source, (), (), {measure: None}, offset=offset)
        return f'PIVOT.VALUE({pivot},"{_measure_id(measure)}")'

    def add_row(self, *blocks):
        """Put one block over the whole width, or two beside each other."""
        places = self.columns if len(blocks) > 1 else (0,)
        top = self.row
        for block, column in zip(blocks, places, strict=False):
            last = len(self.widths) if len(blocks) == 1 or column else column
            if len(blocks) > 1 and not column:
                last = self.columns[1] - 1
            self._add_title(block, column, last)
        self._set_height(top, TITLE)
        self.row = top + 1
        heights = [
            self._draw(block, column, blocks)
            for block, column in zip(blocks, places, strict=False)
        ]
        self._next(max(heights) + 14)

    def _draw(self, block, column, blocks):
        """Draw a block from the current row on; return how high it is."""
        left = sum(self.widths[:column])
        last = len(self.widths) if column or len(blocks) == 1 else self.columns[1] - 1
        width = sum(self.widths[column:last])
        draw = {
            Chart: self._draw_chart,
            Trend: self._draw_trend,
            Table: self._draw_table,
            List: self._draw_list,
        }[type(block)]
        return draw(block, column, last, left, width)

    def _draw_chart(self, block, _column, _last, left, width):
        chart = {
            "type": f"odoo_{block.kind}",
            "title": {"text": ""},
            "background": "#FFFFFF",
            "legendPosition": block.legend,
            "metaData": {
                "groupBy": list(block.group),
                "measure": block.measure,
                "order": block.order or None,
                "resModel": block.source.model,
                "mode": block.kind,
            },
            "searchParams": {
                "context": {},
                "domain": block.source.domain,
                "groupBy": list(block.group),
                "orderBy": [],
            },
            "stacked": block.stacked,
            "horizontal": block.horizontal,
            "verticalAxisPosition": "left",
            "dataSets": [],
            "showValues": False,
            "humanize": True,
            "fieldMatching": self._match(block.source),
        }
        self._add_figure(chart, block.menu, left, 4, width, CHART)
        return CHART + 8

    def _draw_trend(self, block, _column, _last, left, width):
        names = dict.fromkeys(block.measures.values())
        pivot = self._add_pivot(block.source, (block.time,), (), names)
        top = len(self.data) + 1
        labels = [f'=_t("{label}")' for label in block.measures]
        self.data.append(("", *labels[:2], ""))
        for number in range(1, block.count + 1):
            where = f'"#{block.time}",{number}'
            values = [
                f'=IFERROR(PIVOT.VALUE({pivot},"{_measure_id(name)}",{where}),"")'
                for name in block.measures.values()
            ]
            head = f'=IFERROR(PIVOT.HEADER({pivot},{where}),"")'
            self.data.append((head, *values, PERCENT))
        last = len(self.data)
        columns = "BCD"[: len(block.measures)]
        chart = {
            "type": "line",
            "title": {"text": ""},
            "background": "#FFFFFF",
            "legendPosition": "top",
            "dataSetsHaveTitle": True,
            "dataSets": [
                {"dataRange": f"{DATA}!{letter}{top}:{letter}{last}"}
                for letter in columns
            ],
            "labelRange": f"{DATA}!A{top}:A{last}",
            "labelsAsText": True,
            "stacked": False,
            "cumulative": False,
            "aggregated": False,
            "fillArea": False,
            "humanize": False,
        }
        self._add_figure(chart, block.menu, left, 4, width, CHART)
        return CHART + 8

    def _draw_table(self, block, column, last, _left, _width):
        options = {"sort": block.sort}
        pivot = self._add_pivot(
            block.source, block.rows, block.columns, block.measures, **options
        )
        titles = "TRUE" if block.columns else "FALSE"
        shown = f"{titles},{block.width},{'FALSE' if block.columns else 'TRUE'}"
        total = "TRUE" if block.columns else "FALSE"
        top, name = self.row, _letter(column)
        lines = block.lines + (2 if block.columns else 0)
        self.cells[f"{name}{top + 1}"] = f"=PIVOT({pivot},{block.lines},{total},{shown})"
        span = last if block.columns else column + 1 + len(block.measures)
        self._format_lines(column, min(span, last), top, lines)
        self._add_rule(block, column, span, top, lines)
        return ROW * (lines + 1)

    def _add_rule(self, block, column, span, top, lines):
        """Colour a matrix by its numbers, or labels by the sorted measure."""
        first, last = top + 2, top + 1 + lines
        if block.columns:
            cells = f"{_letter(column + 1)}{first}:{_letter(span - 1)}{last - 2}"
            rule = {
                "type": "ColorScaleRule",
                "minimum": {"type": "value", "color": 0xFFFFFF},
                "maximum": {"type": "value", "color": 0x7FC4C6},
            }
        elif block.bar and block.sort:
            cells = f"{_letter(column)}{first}:{_letter(column)}{last}"
            place = column + 1 + list(block.measures).index(block.sort)
            values = f"{_letter(place)}{first}:{_letter(place)}{last}"
            rule = {"type": "DataBarRule", "color": 0xD9F0F0, "rangeValues": values}
        else:
            return
        number = f"{self.name}-rule-{len(self.rules)}"
        self.rules.append({"rule": rule, "id": number, "ranges": [cells]})

    def _draw_list(self, block, column, last, _left, _width):
        number = str(len(self.lists) + 1)
        name, _, direction = block.order.partition(" ")
        self.lists[number] = {
            "id": number,
            "name": block.title,
            "model": block.source.model,
            "columns": list(block.fields),
            "domain": block.source.domain,
            "context": {},
            "orderBy": [{"name": name, "asc": direction != "desc"}],
            "fieldMatching": self._match(block.source),
        }
        place, top = column, self.row
        for name, span in block.fields.items():
            letter = _letter(place)
            head = f'=ODOO.LIST.HEADER({number},"{name}")'
            self.cells[f"{letter}{top + 1}"] = head
            for line in range(1, block.lines + 1):
                cell = f'=ODOO.LIST({number},{line},"{name}")'
                self.cells[f"{letter}{top + 1 + line}"] = cell
            place += span
        self._format_lines(column, last, top, block.lines, text=True)
        return ROW * (block.lines + 1)

    # === PARTS === #

    def _add_title(self, block, column, last):
        where = f"{_letter(column)}{self.row + 1}"
        link = f"odoo://ir_menu_xml_id/{block.menu}"
        self.cells[where] = f"[{block.title}]({link})"
        self.styles[where] = "title"
        line = f"{where}:{_letter(last - 1)}{self.row + 1}"
        self.borders[line] = "under"

    def _format_lines(self, column, last, top, lines, text=False):
        """Make a head, labels and values of a range of cells."""
        first, end = _letter(column), _letter(last - 1)
        second = _letter(column + 1)
        body = f"{top + 2}:{{}}{top + 1 + lines}"
        self.styles[f"{first}{top + 1}"] = "head_label"
        self.styles[f"{second}{top + 1}:{end}{top + 1}"] = (
            "head_label" if text else "head"
        )
        self.styles[f"{first}{body.format(first)}"] = "label"
        self.styles[f"{second}{body.format(end)}"] = "text" if text else "value"
        for row in range(top, top + lines + 1):
            self._set_height(row, ROW)

    def _add_figure(self, chart, menu, left, top, width, height):
        number = f"{self.name}-{len(self.figures)}"
        self.menus[number] = menu
        self.figures.append(
            {
                "id": number,
                "tag": "chart",
                "col": 0,
                "row": self.row,
                "offset": {"x": left, "y": top},
                "width": width,
                "height": height,
                "data": {**chart, "chartId": number},
            }
        )

    def _add_pivot(self, source, rows, columns, measures, offset=0, sort=""):
        number = str(len(self.pivots) + 1)
        pivot = {
            "type": "ODOO",
            "id": number,
            "formulaId": number,
            "name": f"{source.model} {number}",
            "model": source.model,
            "domain": source.domain,
            "context": {},
            "rows": [_dimension(name) for name in rows],
            "columns": [_dimension(name) for name in columns],
            "measures": [_measure(name, form) for name, form in measures.items()],
            "fieldMatching": self._match(source, offset),
        }
        if sort:
            by = {"measure": _measure_id(sort), "order": "desc", "domain": []}
            pivot["sortedColumn"] = by
        self.pivots[number] = pivot
        return number

    def _match(self, source, offset=0):
        """Return what the dashboard's filters say of the source."""
        matching = {}
        for name, chain in source.match.items():
            kind = self.filters[name]["type"]
            if kind == "date":
                type_ = "datetime" if chain.endswith(("_at", "date_order")) else "date"
                matching[name] = {"chain": chain, "type": type_, "offset": offset}
            else:
                matching[name] = {"chain": chain, "type": "many2one"}
        return matching

    def _set_height(self, row, height):
        self.rows[str(row)] = {"size": height}

    def _next(self, height):
        """Go on below what is so high: rows not yet sized fill the rest."""
        row = self.row
        while height > 0:
            size = self.rows.setdefault(str(row), {"size": min(ROW, height)})["size"]
            height -= size
            row += 1
        self.row = row

    # === RESULT === #

    def write(self):
        """Return the file of the dashboard."""
        names = {name: number for number, name in enumerate(STYLES, 1)}
        board = {
            "version": VERSION,
            "sheets": [self._get_sheet(names), self._get_data()],
            "styles": {str(names[name]): style for name, style in STYLES.items()},
            "formats": {"1": PERCENT, "2": DECIMAL},
            "borders": {"1": {"bottom": LINE}},
            "revisionId": "START_REVISION",
            "uniqueFigureIds": True,
            "settings": {},
            "pivots": self.pivots,
            "pivotNextId": len(self.pivots) + 1,
            "customTableStyles": {},
            "globalFilters": list(self.filters.values()),
            "lists": self.lists,
            "listNextId": len(self.lists) + 1,
            "chartOdooMenusReferences": self.menus,
        }
        return json.dumps(board, indent=1, ensure_ascii=False) + "\n"

    def _get_sheet(self, names):
        return {
            "id": "sheet1",
            "name": "Dashboard",
            "colNumber": len(self.widths),
            "rowNumber": self.row + 1,
            "rows": self.rows,
            "cols": {str(n): {"size": size} for n, size in enumerate(self.widths)},
            "merges": [],
            "cells": self.cells,
            "styles": {cells: names[name] for cells, name in self.styles.items()},
            "formats": {},
            "borders": dict.fromkeys(self.borders, 1),
            "conditionalFormats": self.rules,
            "dataValidationRules": [],
            "figures": self.figures,
            "tables": [],
            "areGridLinesVisible": False,
            "isVisible": True,
            "headerGroups": {"ROW": [], "COL": []},
            "comments": {},
        }

    def _get_data(self):
        numbers = {PERCENT: 1, DECIMAL: 2}
        cells, formats = {}, {}
        for line, (*values, form) in enumerate(self.data, 1):
            cells |= {f"{'ABCD'[n]}{line}": value for n, value in enumerate(values)}
            if form:
                formats[f"B{line}:D{line}"] = numbers[form]
        return {
            "id": "data",
            "name": DATA,
            "colNumber": 6,
            "rowNumber": max(len(self.data), 1),
            "rows": {},
            "cols": {},
            "merges": [],
            "cells": {where: value for where, value in cells.items() if value},
            "styles": {},
            "formats": formats,
            "borders": {},
            "conditionalFormats": [],
            "dataValidationRules": [],
            "figures": [],
            "tables": [],
            "areGridLinesVisible": True,
            "isVisible": True,
            "headerGroups": {"ROW": [], "COL": []},
            "comments": {},
        }


def _letter(column):
    """Return the name of a column; there are never more than 26."""
    return chr(ord("A") + column)


def _dimension(name):
    name, _, granularity = name.partition(":")
    dimension = {"fieldName": name}
    return dimension | ({"granularity": granularity} if granularity else {})


def _measure_id(name):
    return name


def _measure(name, form):
    field_name, _, aggregator = name.partition(":")
    measure = {"id": name, "fieldName": field_name}
    if aggregator:
        measure["aggregator"] = aggregator
    return measure | ({"format": form} if form else {})
