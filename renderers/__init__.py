"""Storyboard in, video out; knows no CRM, web or queue."""
