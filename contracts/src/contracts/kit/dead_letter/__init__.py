"""Dead letters: records that a group cannot use, and what operators of the platform do with them.

`writer` puts aside, `store` keeps, `api` and `operations` let operators decide, `replay` hands to the group once more.
"""
