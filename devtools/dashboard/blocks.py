"""What a dashboard is put together from: blocks, and the records that they show."""

from dataclasses import dataclass, field

PERCENT, WHOLE, DECIMAL, MONEY = "0.0%", "#,##0", "#,##0.0", "#,##0.00"
#: Widths of columns: labels and five numbers at the left, a gap, and the same at the
#: right; or labels, and a column for each of the eleven RFM groups.
HALVES = (160, *5 * (80,), None, 160, *5 * (80,))
MATRIX = (190, *11 * (82,))


def menu(name):
    """Return the full name of a menu of ours."""
    return f"hstyle_crm.{name}"


def period(default, **relations):
    """Return the filters of a dashboard: its period, and what else is chosen by.

    :param relations: name → (label, model)
    """
    filters = {"period": {"type": "date", "label": "Period", "defaultValue": default}}
    for name, (label, model) in relations.items():
        chosen = {"label": label, "modelName": model, "defaultValueDisplayNames": []}
        filters[name] = {"type": "relation", **chosen}
    return {name: {"id": name, **values} for name, values in filters.items()}


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
    text: str = "vs. last period"
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
    """Groups and their measures: heading → (name, format).

    With ``column``, a matrix of one measure: ``width`` groups beside each other, of
    which the heading is that of the corner.
    """

    title: str
    menu: str
    source: Source
    group: str
    head: str
    measures: dict
    column: str = ""
    lines: int = 10
    sort: str = ""
    width: int = 12


@dataclass(frozen=True)
class List:
    """Records in an order: heading → (field, how many columns it takes, style)."""

    title: str
    menu: str
    source: Source
    fields: dict
    order: str
    lines: int = 10
