"""Data only: what our words are called in each CRM, and the campaigns; read by admins, shipped whole."""
