"""Making the shipped series: physical models and standard load shapes, from one seed.

Run as ``python -m powergrid.data.generate --seed 2024 --out DIR``. Needs the libraries of the
``data`` extra (pvlib, demandlib, windpowerlib); nothing of this is needed to read the series.
"""
