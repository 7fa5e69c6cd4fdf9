from . import portal
from . import preferences
from . import sms
from . import portal_offers
