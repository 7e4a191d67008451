"""Internal: the fixes that several rules offer: edits of drawings, expressions and crons.

Functions here return fixes, or yield none, one or several, with titles that say what the design
would mean. `proflow_compiler.fixes` proves later which of them mend the diagnostic.
"""
