package jfr
