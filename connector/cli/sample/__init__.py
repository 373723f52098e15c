"""
A small invented world for `cuereel demo`: contacts in many scripts, companies, carts and accounts.

The files are what an admin would import. People, companies and addresses do not exist; the last
three months of each account's usage against the three before give its `usage_change`. The `image`
of a cart's item is `picture:<file>`: whoever imports the carts stores that file of `pictures/` and
puts its `asset:<sha256>` there. tools/draw_sample_pictures.py draws them.
"""
