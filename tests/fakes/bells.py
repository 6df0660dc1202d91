def unheard(announcements):
    """For scorers of which nobody hears: nothing may be announced there."""
    raise AssertionError(announcements)
