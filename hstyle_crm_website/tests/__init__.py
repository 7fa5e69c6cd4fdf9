from . import test_i18n
from . import test_merge
from . import test_shop
