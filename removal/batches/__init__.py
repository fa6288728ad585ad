"""Batches: many pictures sent at once, worked on as there is room, asked for or told of later.

intake     pictures out of uploads and ZIP files, bounded before anything is unpacked
register   a batch's life: made, added to, closed, cancelled, deleted, purged
worker     takes the next picture of any batch and has it done by removal/services.py
webhooks   tells the caller's server, signed, and tries again

picture: waiting -> working -> done, charged in the same transaction
             ^          |`---> failed, with its reason; nothing charged
             `----------'      its process has died, or the service was busy
batch:   open -> closed -> done;  cancelled from any of them
"""
