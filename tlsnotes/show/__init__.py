"""The room that shows: words, explanations, tables, figures, widgets. It reads what lower rooms made, parses nothing.

words                    words and texts/*.toml (what, why, rfc for each key)    values (a field in one line)
plain tables             tables  static  facts  verdicts  display (registers them with IPython)
explanations             explain (and explain_*)  explanation  explaining  causes
the explorer             explorer  explorable  payload  outline  places  schedule  comparison, and assets/explorer.*
the chain view           chain_view  chain_cards  chain_words, and assets/chain.*
figures                  figure_ladder  figure_keys  figure_validity  figure_chain  matrix_figure  palette  ladder (SVG)
widgets' lives           lifetime  pulse

`explore`, `compare`, `chain_view` and `explain` are the doors. All that comes from peers goes through `tables.visible`.
"""
