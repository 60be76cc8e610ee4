"""Which lines of a bad run are unusual against one or more good ones: counted messages in, findings out.

``counted`` is one service's log of one run, ``baseline`` what the good runs hold, ``nearest`` the known line that is
most like another, ``novelty`` judges lines that no baseline has, ``floods``
gathers many of one shape, ``rates`` says what there is more or less of, ``blocks`` merges lines that touch,
``comparison`` does it all, ``ranking`` chooses the best, ``ignored`` leaves out what was accepted. No file is read or
written here.
"""
