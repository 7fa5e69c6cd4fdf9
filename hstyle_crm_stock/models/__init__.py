from . import hstyle_satisfaction_policy
from . import loyalty_program
from . import sale_order
from . import sale_order_line
from . import stock_move
