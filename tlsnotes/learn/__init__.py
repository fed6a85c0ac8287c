"""The room to practise in: predictions before a cell runs, exercises that say what is still wrong, and how far one is.

predictions     `predict`: commit to an answer first, then compare it with what happened
exercises       `exercise("id").check(answer)`: a verdict in words on the learner's own object
progress        one small file of the learner's own, which can be deleted
"""
