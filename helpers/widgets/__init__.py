"""Interactive pictures for the lessons; each leaves a picture or a table where no kernel runs."""
