from . import portal
from . import sms
