"""Tenants, employees, pipelines, items, clients, payments, activities, timeline."""
