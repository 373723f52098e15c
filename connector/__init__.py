"""
The service: everything that knows the web, the queue or a CRM.

One road runs through it, and imports follow it: `web/hooks` takes a trigger in, `jobs/plan_video`
decides and mints a link, `jobs/render_video` renders, `jobs/write_back` puts the link on the
record, `web/watch` and `web/beacons` measure, `jobs/update_engagement` writes that back too.
"""
