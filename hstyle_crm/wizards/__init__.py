from . import base_partner_merge
from . import hstyle_points_opening
from . import loyalty_card_update_balance
from . import loyalty_generate_wizard
from . import sale_loyalty_reward_wizard
