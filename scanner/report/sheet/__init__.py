"""Sheets of headings, lines, tables and charts, told once and written in every form."""
