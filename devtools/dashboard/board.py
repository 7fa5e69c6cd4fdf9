"""A dashboard as Odoo's spreadsheet reads it, put together from blocks.

How blocks become cells, figures and pivots. Sizes are in pixels.
"""

import json

from .blocks import PERCENT, WHOLE, Chart, List, Table, Trend
from .style import (
    CARDS,
    CHART,
    DATA,
    FORMATS,
    GAP,
    GREY,
    HEAD,
    HEADS,
    LINE,
    LIST_FORMATS,
    MOMENTS,
    ROW,
    STYLED,
    STYLES,
    TITLE,
    VERSION,
    to_dimension,
    to_letter,
    to_measure,
)


class Board:
    """A dashboard that grows downwards, block by block."""

    def __init__(self, name, widths, filters):
        """Begin one.

        :param widths: of the columns; ``None`` stands for the gap between the halves
        :param filters: name → the filter, as the spreadsheet has it
        """
        self.name = name
        self.widths = [width or GAP for width in widths]
        gap = None in widths
        self.half = widths.index(None) if gap else len(widths) // 2
        self.right = self.half + gap
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
                "title": {
                    "text": card.title,
                    "bold": True,
                    "color": GREY,
                    "fontSize": 13,
                },
                "background": CARDS[number % len(CARDS)],
                "keyValue": f"{DATA}!B{line}",
                "baseline": f"{DATA}!C{line}",
                "baselineMode": self._get_mode(card),
                "baselineDescr": {"text": card.text, "fontSize": 14},
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
        # From next to nothing there is no comparison, but a beginning.
        nothing = f"SUM({other})=0"
        if self._get_mode(card) == "percentage":
            nothing = f"10*SUM({other})<=SUM({value})"
        line = len(self.data) + 1
        large = "FORMAT.LARGE.NUMBER({})" if card.format == WHOLE else "{}"
        shown, beside = large.format(value), large.format(other)
        self.data.append(
            (
                f'=_t("{card.title}")',
                f'=IFERROR({shown},"")',
                f'=IFERROR(IF({nothing},"",{beside}),"")',
                "" if card.format == WHOLE else card.format,
            )
        )
        return line

    def _get_total(self, source, measure, offset=0):
        pivot = self._add_pivot(source, (), (), {measure: None}, offset=offset)
        return f'PIVOT.VALUE({pivot},"{measure}")'

    def add_row(self, *blocks):
        """Put one block over the whole width, or two beside each other."""
        end = len(self.widths)
        spans = ((0, self.half), (self.right, end)) if blocks[1:] else ((0, end),)
        places = list(zip(blocks, spans, strict=True))
        for block, (first, last) in places:
            self._add_title(block, first, last)
        self._set_height(self.row, TITLE)
        self.row += 1
        self._next(max(self._draw(block, *span) for block, span in places) + 14)

    def _draw(self, block, first, last):
        """Draw a block from the current row on; return how high it is."""
        draw = {
            Chart: self._draw_chart,
            Trend: self._draw_trend,
            Table: self._draw_table,
            List: self._draw_list,
        }
        return draw[type(block)](block, first, last)

    def _draw_chart(self, block, first, last):
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
        pivot = self._add_pivot(block.source, (), (), {"__count": None})
        self._add_hint(self._is_empty(pivot, "__count"), last)
        return self._add_block(chart, block, first, last)

    def _draw_trend(self, block, first, last):
        names = dict.fromkeys(block.measures.values())
        pivot = self._add_pivot(block.source, (block.time,), (), names)
        self._add_hint(self._is_empty(pivot, next(iter(names))), last)
        top = len(self.data) + 1
        labels = [f'=_t("{label}")' for label in block.measures]
        self.data.append(("", *labels[:2], ""))
        for number in range(1, block.count + 1):
            where = f'"#{block.time}",{number}'
            values = [
                f'=IFERROR(PIVOT.VALUE({pivot},"{name}",{where}),"")'
                for name in block.measures.values()
            ]
            head = f'=IFERROR(PIVOT.HEADER({pivot},{where}),"")'
            self.data.append((head, *values, PERCENT))
        end = len(self.data)
        columns = "BCD"[: len(block.measures)]
        chart = {
            "type": "line",
            "title": {"text": ""},
            "background": "#FFFFFF",
            "legendPosition": "top",
            "dataSetsHaveTitle": True,
            "dataSets": [
                {"dataRange": f"{DATA}!{letter}{top}:{letter}{end}"}
                for letter in columns
            ],
            "labelRange": f"{DATA}!A{top}:A{end}",
            "labelsAsText": True,
            "stacked": False,
            "cumulative": False,
            "aggregated": False,
            "fillArea": False,
            "humanize": False,
        }
        return self._add_block(chart, block, first, last)

    def _add_block(self, chart, block, first, last):
        left, width = sum(self.widths[:first]), sum(self.widths[first:last]) - 10
        self._add_figure(chart, block.menu, left, 4, width, CHART)
        return CHART + 8

    def _draw_table(self, block, column, last):
        columns = (block.column,) if block.column else ()
        measures = dict(block.measures.values())
        pivot = self._add_pivot(
            block.source, (block.group,), columns, measures, sort=block.sort
        )
        top, width = self.row, block.width if columns else len(measures)
        heads = [f'_t("{head}")' for head in block.measures]
        if columns:
            where = f'{pivot},"#{block.column}"'
            heads = [f"PIVOT.HEADER({where},{n})" for n in range(1, width + 1)]
        for place, head in enumerate([f'_t("{block.head}")', *heads], column):
            self.cells[f"{to_letter(place)}{top + 1}"] = f'=IFERROR({head},"")'
        empty = self._is_empty(pivot, next(iter(measures)))
        body = f"PIVOT({pivot},{block.lines},FALSE,FALSE,{width},FALSE)"
        self.cells[f"{to_letter(column)}{top + 2}"] = f'=IF({empty},"",{body})'
        self._add_hint(empty, last)
        self._format_lines(column, column + 1 + width, top, block.lines)
        self._add_rule(block, column, column + width, top)
        return HEAD + ROW * block.lines

    @staticmethod
    def _is_empty(pivot, measure):
        return f'IFERROR(SUM(PIVOT.VALUE({pivot},"{measure}"))=0,TRUE)'

    def _add_rule(self, block, column, last, top):
        """Colour a matrix by its numbers, or labels by what sorts them."""
        lines = f"{top + 2}:{{}}{top + 1 + block.lines}"
        if block.column:
            cells = f"{to_letter(column + 1)}{lines.format(to_letter(last))}"
            low, high = (
                {"type": "value", "color": color} for color in (0xFFFFFF, 0x7FC4C6)
            )
            rule = {"type": "ColorScaleRule", "minimum": low, "maximum": high}
        elif block.sort:
            names = [name for name, _form in block.measures.values()]
            letter = to_letter(column + 1 + names.index(block.sort))
            cells = f"{to_letter(column)}{lines.format(to_letter(column))}"
            values = f"{letter}{lines.format(letter)}"
            rule = {"type": "DataBarRule", "color": 0xD9F0F0, "rangeValues": values}
        else:
            return
        number = f"{self.name}-rule-{len(self.rules)}"
        self.rules.append({"rule": rule, "id": number, "ranges": [cells]})

    def _draw_list(self, block, column, last):
        number = str(len(self.lists) + 1)
        name, _, direction = block.order.partition(" ")
        names = [name for name, _span, _style in block.fields.values()]
        self.lists[number] = {
            "id": number,
            "name": block.title,
            "model": block.source.model,
            "columns": names,
            "domain": block.source.domain,
            "context": {},
            "orderBy": [{"name": name, "asc": direction != "desc"}],
            "fieldMatching": self._match(block.source),
        }
        place, top = column, self.row
        self._size_lines(top, block.lines)
        for head, (name, span, style) in block.fields.items():
            # What is wide begins at the left of its columns, numbers end at the right.
            letter = to_letter(
                place + (span - 1 if STYLED.get(style) == "value" else 0)
            )
            self.cells[f"{letter}{top + 1}"] = f'=_t("{head}")'
            self.styles[f"{letter}{top + 1}"] = HEADS[STYLED.get(style, style)]
            for line in range(1, block.lines + 1):
                cell = f"{letter}{top + 1 + line}"
                self.cells[cell] = f'=ODOO.LIST({number},{line},"{name}")'
                self.styles[cell] = STYLED.get(style, style)
                if style in LIST_FORMATS:
                    self.formats[cell] = LIST_FORMATS[style]
            place += span
        self._add_hint(f'ODOO.LIST({number},1,"{names[0]}")=""', last)
        return HEAD + ROW * block.lines

    # === PARTS === #

    def _add_title(self, block, column, last):
        where = f"{to_letter(column)}{self.row + 1}"
        link = f"odoo://ir_menu_xml_id/{block.menu}"
        self.cells[where] = f"[{block.title}]({link})"
        self.styles[where] = "title"
        line = f"{where}:{to_letter(last - 1)}{self.row + 1}"
        self.borders[line] = "under"

    def _add_hint(self, condition, last):
        """Say beside the title that there is nothing below."""
        cell = f"{to_letter(last - 1)}{self.row}"
        self.cells[cell] = f'=IFERROR(IF({condition},_t("Nothing yet"),""),"")'
        self.styles[cell] = "hint"

    def _format_lines(self, column, last, top, lines):
        """Make a head, labels and values of a range of cells, up to ``last``."""
        first, second, end = map(to_letter, (column, column + 1, last - 1))
        body = f"{top + 2}:{{}}{top + 1 + lines}"
        self.styles[f"{first}{top + 1}"] = "head_label"
        self.styles[f"{second}{top + 1}:{end}{top + 1}"] = "head"
        self.styles[f"{first}{body.format(first)}"] = "label"
        self.styles[f"{second}{body.format(end)}"] = "value"
        self._size_lines(top, lines)

    def _size_lines(self, top, lines):
        self._set_height(top, HEAD)
        for row in range(top + 1, top + lines + 1):
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
            "name": "",
            "model": source.model,
            "domain": source.domain,
            "context": {},
            "rows": [to_dimension(name) for name in rows],
            "columns": [to_dimension(name) for name in columns],
            "measures": [to_measure(name, form) for name, form in measures.items()],
            "fieldMatching": self._match(source, offset),
        }
        if sort:
            by = {"measure": sort, "order": "desc", "domain": []}
            pivot["sortedColumn"] = by
        self.pivots[number] = pivot
        return number

    def _match(self, source, offset=0):
        """Return what the dashboard's filters say of the source."""
        matching = {}
        for name, chain in source.match.items():
            kind = self.filters[name]["type"]
            if kind == "date":
                type_ = "datetime" if chain in MOMENTS else "date"
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
            "formats": {number: form for form, number in FORMATS.items()},
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
            "formats": {cell: FORMATS[form] for cell, form in self.formats.items()},
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
        cells, formats = {}, {}
        for line, (*values, form) in enumerate(self.data, 1):
            cells |= {f"{'ABCD'[n]}{line}": value for n, value in enumerate(values)}
            if form:
                formats[f"B{line}:D{line}"] = FORMATS[form]
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
