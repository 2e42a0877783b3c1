"""Pictures as SVG text: pure functions of what they show, for the web, for print and for files."""
