"""What we tell others by ourselves: signed webhooks out, later alerts to sales reps."""
