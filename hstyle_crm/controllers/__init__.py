from . import portal
from . import preferences
from . import sms
