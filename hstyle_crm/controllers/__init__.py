from . import portal
from . import preferences
from . import sms
from . import portal_offers
from . import portal_agent
from . import portal_gifts
from . import portal_appointment
from . import referral
