from . import referral
from . import website_sale
