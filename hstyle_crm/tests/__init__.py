from . import test_access
from . import test_hstyle_export
from . import test_hstyle_import
from . import test_hstyle_profile
from . import test_hstyle_purchase
from . import test_i18n
from . import test_rfm
from . import test_sheets
