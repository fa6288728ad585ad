"""Batches: many pictures sent at once and processed when there is capacity.

intake     reads uploads and ZIP files, with limits checked before anything is unpacked
register   creates, extends, closes, cancels, deletes and purges batches
runner     takes the next picture of any batch and processes it by removal/services.py
dispatcher has workers do so, as many pictures at once as there are slots
webhooks   notifies the caller's server, signed, with retries

picture: waiting -> working -> done, charged in the same transaction
             ^          |`---> failed, with its reason; nothing charged
             `----------'      its process died, or the service was busy
batch:   open -> closed -> done;  cancelled from any of them
"""
