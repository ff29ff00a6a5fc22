"""Lounges, their slots, and the visits, bookings and passes of customers (plan rules B2, B16)."""
