"""What a history has to tell, put on sheets: its runs, one of them, two of them, their course."""
