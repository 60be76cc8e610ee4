"""Phase F: a fitted model, its sequences and predictions in; why each sequence ranks where it does out.

``attributions`` splits the score onto tokens (positive is more anomalous), ``neighbours`` finds the nearest normal
sequence and what differs, ``lines`` carries contributions to log lines, ``tokens`` ranks them, ``mistakes`` words what
the model got wrong, ``plots`` draws. ``explanation`` does all of it for one model. To explain a new kind of model,
write its exact decomposition over matrix columns and name it in ``attributions.EXPLAINERS``.
"""
