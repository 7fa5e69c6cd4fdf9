from . import test_i18n
from . import test_points_delivery
from . import test_points_return
from . import test_referral_delivery
from . import test_satisfaction_delivery
